/** Throws a RangeError where `value` is not what stands at `at`; the reader of a model file reports it. */
export type Check = (value: unknown, at: string) => void;

export function wrong(at: string, rule: string): never {
  throw new RangeError(`${at} ${rule}`);
}

export const isText: Check = (value, at) => {
  if (typeof value !== "string") wrong(at, "is not a text");
};

export const isBoolean: Check = (value, at) => {
  if (typeof value !== "boolean") wrong(at, "is not true or false");
};

/** A number, infinities included, but not NaN. */
export const isNumber: Check = (value, at) => {
  if (typeof value !== "number" || Number.isNaN(value)) wrong(at, "is not a number");
};

export const isFinite: Check = (value, at) => {
  if (typeof value !== "number" || !Number.isFinite(value)) wrong(at, "is not a finite number");
};

export const isCount: Check = (value, at) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) wrong(at, "is not a count");
};

export const isObject: Check = (value, at) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) wrong(at, "is not an object");
};

const anything: Check = () => {};

export function oneOf(...choices: readonly unknown[]): Check {
  return (value, at) => {
    if (!choices.includes(value)) wrong(at, `is not one of ${choices.join(", ")}`);
  };
}

export function orNull(check: Check): Check {
  return (value, at) => {
    if (value !== null) check(value, at);
  };
}

export function either(a: Check, b: Check, choose: (value: unknown) => boolean): Check {
  return (value, at) => (choose(value) ? a(value, at) : b(value, at));
}

export function listOf(check: Check): Check {
  return (value, at) => {
    if (!Array.isArray(value)) wrong(at, "is not a list");
    for (let i = 0; i < value.length; ++i) check(value[i], `${at}[${i}]`);
  };
}

/** A list of texts of which no two are equal. */
export const isNames: Check = (value, at) => {
  listOf(isText)(value, at);
  if (new Set(value as string[]).size !== (value as string[]).length) wrong(at, "names something twice");
};

/** An object with these members, and of `optional` those it has; any other member is wrong. */
export function record(
  members: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  return (value, at) => {
    isObject(value, at);
    const given = value as Readonly<Record<string, unknown>>;
    for (const [name, check] of Object.entries(members)) check(given[name], `${at}.${name}`);
    for (const name of Object.keys(given)) {
      if (Object.hasOwn(members, name)) continue;
      if (!Object.hasOwn(optional, name)) wrong(at, `has a member "${name}"`);
      optional[name]!(given[name], `${at}.${name}`);
    }
  };
}

/** An object whose member `tag` says which of `cases` its other members follow. */
export function taggedBy(tag: string, cases: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check {
  return (value, at) => {
    const name = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[tag] : undefined;
    if (typeof name !== "string" || !Object.hasOwn(cases, name)) wrong(`${at}.${tag}`, "is unknown");
    record({ [tag]: anything, ...cases[name] })(value, at);
  };
}

/** Refuses an array of another length or with a number that is not finite. */
export function checkFinite(values: Float64Array, at: string, length: number): void {
  if (values.length !== length) wrong(at, `has ${values.length} numbers, not ${length}`);
  for (let i = 0; i < length; ++i) if (!Number.isFinite(values[i]!)) wrong(at, `holds ${values[i]} at ${i}`);
}
