import { category, linear, pipeline, text, tsv } from "millrace";

export default pipeline({
  name: "sms-spam",
  data: tsv("data/sms-spam.tsv", { columns: ["label", "text"], quotes: false }),
  schema: {
    label: category(["ham", "spam"]),
    text: text(),
  },
  target: "label",
  model: linear(),
});
