import { boosting, category, csv, number, pipeline } from "millrace";

// customerID names rows; TotalCharges is blank for customers of less than a month.
export default pipeline({
  name: "telco-churn",
  data: csv("data/telco-churn.csv"),
  schema: {
    gender: category(),
    SeniorCitizen: number(),
    Partner: category(),
    Dependents: category(),
    tenure: number(),
    PhoneService: category(),
    MultipleLines: category(),
    InternetService: category(),
    OnlineSecurity: category(),
    OnlineBackup: category(),
    DeviceProtection: category(),
    TechSupport: category(),
    StreamingTV: category(),
    StreamingMovies: category(),
    Contract: category(),
    PaperlessBilling: category(),
    PaymentMethod: category(),
    MonthlyCharges: number(),
    TotalCharges: number({ missing: 1 }),
    Churn: category(["No", "Yes"]),
  },
  target: "Churn",
  model: boosting(),
});
