// SQL that is quoted by hand is another statement as soon as what stands in it holds the quote: names and values go through
// src/query/quote.ts, or are parameters.

const keywords =
  /\b(?:SELECT|FROM|WHERE|COPY|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|ATTACH|VALUES|CASE WHEN|CAST|SET VARIABLE)\b|::[A-Z]{3}/;
const statement = /^\s*(?:select|insert|update|delete|create|drop|alter|declare|copy|attach)\s/;
/** A call alone, as a part of a statement: date_trunc('...', ...). */
const call = /^\s*[a-z]+_[a-z_]+\(.*\)\s*$/s;

function isSql(text) {
  return keywords.test(text) || statement.test(text) || call.test(text);
}

/** The quote that is open behind `text`; "" where none is. A doubled one closes and opens again. */
function openQuote(text, before) {
  let open = before;
  for (const character of text) {
    if (open === character) open = "";
    else if (open === "" && (character === "'" || character === '"')) open = character;
  }
  return open;
}

const message =
  "A name or a value in SQL goes through quoteIdentifier or quoteLiteral (src/query/quote.ts), or is a parameter.";

const noHandQuoting = {
  meta: { type: "problem", docs: { description: "bans SQL with names or values between quotes of its own" } },
  create(context) {
    return {
      TemplateLiteral({ quasis, expressions }) {
        const texts = quasis.map(({ value }) => value.raw);
        if (!isSql(texts.join("x"))) return;
        let open = "";
        expressions.forEach((expression, i) => {
          open = openQuote(texts[i], open);
          if (open !== "") context.report({ node: expression, message });
        });
      },
      BinaryExpression(node) {
        if (node.operator !== "+") return;
        const sides = [node.left, node.right].map((side) => (typeof side.value === "string" ? side.value : ""));
        if (sides.some(isSql)) context.report({ node, message });
      },
    };
  },
};

export default { meta: { name: "sql" }, rules: { "no-hand-quoting": noHandQuoting } };
