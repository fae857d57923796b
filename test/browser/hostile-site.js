// What a page of another site tries against a server it wants to reach. Each try tells in a word what the page came to know.

const rows = '{"rows":[{"rooms":1}]}';
const forms = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/** The answer as far as the page may read it. */
const read = async (response) => `${response.type} ${response.status} ${(await response.text()).slice(0, 500)}`;

const blocked = (error) => `blocked: ${error.name}`;

/** Whether an element that loads `address` says that it did. */
function loads(tag, member, address, more = {}) {
  const made = Object.assign(document.createElement(tag), more, { [member]: address });
  return new Promise((resolve) => {
    made.addEventListener("load", () => resolve("loaded"));
    made.addEventListener("error", () => resolve("blocked: error"));
    setTimeout(() => resolve("blocked: silence"), 3000);
    document.body.append(made);
  });
}

/** What the page sees of a document of a frame or window. The empty one it was made with, until an answer comes, is its own. */
function seen(page) {
  if (!page) return "blocked: not to be seen";
  return page.URL === "about:blank" ? "blocked: silence" : page.documentElement.outerHTML;
}

/** A frame tells that it loaded whatever became of it; what counts is whether the page sees into it. */
async function seesInto(frame) {
  await new Promise((resolve) => {
    frame.addEventListener("load", resolve);
    setTimeout(resolve, 3000);
  });
  const known = seen(frame.contentDocument);
  frame.remove();
  return known;
}

function framed(address) {
  const frame = document.createElement("iframe");
  frame.src = address;
  document.body.append(frame);
  return seesInto(frame);
}

/** Sends a form into a frame, as a click on it would; text/plain can be made to hold JSON. */
function submitted(address, enctype, method) {
  const frame = Object.assign(document.createElement("iframe"), { name: `frame-${Math.random()}` });
  const form = Object.assign(document.createElement("form"), { action: address, target: frame.name, enctype, method });
  const field = Object.assign(document.createElement("input"), { name: rows.slice(0, -1), value: "}" });
  form.append(field);
  document.body.append(frame, form);
  form.submit();
  return seesInto(frame);
}

function connected(make) {
  return new Promise((resolve) => {
    const made = make();
    const end = (known) => {
      made.close();
      resolve(known);
    };
    made.addEventListener("open", () => end("connected"));
    made.addEventListener("error", () => end("blocked: error"));
    setTimeout(end, 3000, "blocked: silence");
  });
}

async function opened(address) {
  const made = window.open(address);
  if (!made) return "no window";
  const isWaiting = () => seen(made.document) === "blocked: silence";
  try {
    for (let i = 0; i < 60 && isWaiting(); ++i) await new Promise((resolve) => setTimeout(resolve, 50));
    return seen(made.document);
  } catch (error) {
    return blocked(error);
  } finally {
    made.close();
  }
}

/** Everything by which a page can make a browser ask, by name. */
function triesOf(target, posts, gets) {
  const tries = {};
  const ask = (name, address, init) => {
    tries[`${name} ${address}`] = () => fetch(address, init).then(read, blocked);
  };
  for (const path of posts) {
    const address = target + path;
    const credentials = "include";
    const json = { "content-type": "application/json" };
    ask("fetch of JSON", address, { method: "POST", headers: json, body: rows, credentials });
    ask("fetch of text", address, { method: "POST", mode: "no-cors", body: rows, credentials });
    ask("fetch of no type", address, { method: "POST", mode: "no-cors", body: new Blob([rows]), credentials });
    ask("fetch of a form", address, {
      method: "POST",
      mode: "no-cors",
      body: new URLSearchParams({ rows }),
      credentials,
    });
    ask("fetch of CSV", address, { method: "POST", headers: { "content-type": "text/csv" }, body: "rooms\n1\n" });
    tries[`beacon ${address}`] = async () => `blocked: ${navigator.sendBeacon(address, rows)}`;
    for (const enctype of forms) tries[`form of ${enctype} ${address}`] = () => submitted(address, enctype, "post");
  }
  for (const path of gets) {
    const address = target + path;
    ask("fetch", address, { credentials: "include" });
    ask("blind fetch", address, { mode: "no-cors", credentials: "include" });
    ask("DELETE", address, { method: "DELETE", credentials: "include" });
    tries[`image ${address}`] = () => loads("img", "src", address);
    tries[`script ${address}`] = () => loads("script", "src", address);
    tries[`style sheet ${address}`] = () => loads("link", "href", address, { rel: "stylesheet" });
    tries[`frame ${address}`] = () => framed(address);
    tries[`import ${address}`] = () => import(address).then(() => "imported", blocked);
    tries[`events ${address}`] = () => connected(() => new EventSource(address));
  }
  tries["web socket"] = () => connected(() => new WebSocket(target.replace("http", "ws")));
  tries["window"] = () => opened(`${target}/docs`);
  return tries;
}

/** What came of each try; a browser opens six connections to a server, so that few run at a time. */
globalThis.attack = async (target, posts, gets) => {
  const waiting = Object.entries(triesOf(target, posts, gets));
  const known = [];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      known.push([next[0], await next[1]().catch(blocked)]);
  };
  await Promise.all([work(), work(), work(), work()]);
  return known;
};
