import type { TimePart } from "../../model/fitted-transform.ts";
import { numbersOf } from "./numbers.ts";
import type { Scope } from "./scope.ts";

const hourMs = 3_600_000;
const dayMs = 86_400_000;

/** Whole numbers as doubles, divided downwards: all that a calendar needs. */
interface Whole {
  plus(a: string, b: string | number): string;
  minus(a: string, b: string | number): string;
  times(a: string, factor: number): string;
  over(a: string, divisor: number): string;
  modulo(a: string, divisor: number): string;
}

function wholeOf({ graph }: Scope): Whole {
  const { constant } = numbersOf(graph);
  const operand = (b: string | number): string => (typeof b === "number" ? constant(b) : b);
  const over = (a: string, divisor: number): string => graph.node("Floor", [graph.node("Div", [a, constant(divisor)])]);
  const times = (a: string, factor: number): string => graph.node("Mul", [a, constant(factor)]);
  const minus = (a: string, b: string | number): string => graph.node("Sub", [a, operand(b)]);
  return {
    plus: (a, b) => graph.node("Add", [a, operand(b)]),
    minus,
    times,
    over,
    modulo: (a, divisor) => minus(a, times(over(a, divisor), divisor)),
  };
}

/** A part of a UTC time in milliseconds, as expressions define it; NaN stays NaN. */
export function timePart(scope: Scope, time: string, part: TimePart): string {
  const { plus, over, modulo } = wholeOf(scope);
  const days = over(time, dayMs);
  switch (part) {
    case "days":
      return days;
    case "hour":
      return modulo(over(time, hourMs), 24);
    case "dayOfWeek":
      // 1970 began on a Thursday.
      return modulo(plus(days, 3), 7);
    default:
      return datePart(scope, days, part);
  }
}

/** Year, month and day of days since 1970, by years that begin in March (Hinnant, "chrono-compatible low-level date algorithms"). */
function datePart(scope: Scope, days: string, part: "month" | "dayOfMonth" | "dayOfYear" | "year"): string {
  const { plus, minus, times, over } = wholeOf(scope);
  const { where, constant } = numbersOf(scope.graph);
  const z = plus(days, 719_468);
  const era = over(z, 146_097);
  const dayOfEra = minus(z, times(era, 146_097));
  const leaps = plus(minus(over(dayOfEra, 36_524), over(dayOfEra, 1460)), times(over(dayOfEra, 146_096), -1));
  const yearOfEra = over(plus(dayOfEra, leaps), 365);
  const daysBefore = minus(plus(times(yearOfEra, 365), over(yearOfEra, 4)), over(yearOfEra, 100));
  const dayOfYear = minus(dayOfEra, daysBefore);
  const monthFromMarch = over(plus(times(dayOfYear, 5), 2), 153);
  const isLate = scope.graph.node("GreaterOrEqual", [monthFromMarch, constant(10)]);
  if (part === "month") return where(isLate, minus(monthFromMarch, 9), plus(monthFromMarch, 3));
  if (part === "dayOfMonth") return plus(minus(dayOfYear, over(plus(times(monthFromMarch, 153), 2), 5)), 1);
  const fromMarch = plus(yearOfEra, times(era, 400));
  const year = where(isLate, plus(fromMarch, 1), fromMarch);
  if (part === "year") return year;
  const before = minus(year, 1);
  const centuries = plus(minus(over(before, 4), over(before, 100)), over(before, 400));
  // 719,162 days lie between the years 1 and 1970.
  const firstDay = minus(plus(times(before, 365), centuries), 719_162);
  return plus(minus(days, firstDay), 1);
}
