/**
 * What a route needs. `open`: probes and files, no data changes hands; `read`: what models there are and what they take;
 * `predict`: answers, and what became true of them; `observe`: how the server does; `data`: values of the rows that models
 * learn from.
 */
export type Access = "open" | "read" | "predict" | "observe" | "data";

/** What the holder of a key may do. */
export type Role = "predict" | "observe" | "admin";

const granted: Readonly<Record<Role, ReadonlySet<Access>>> = Object.freeze({
  predict: new Set<Access>(["open", "read", "predict"]),
  observe: new Set<Access>(["open", "read", "observe"]),
  admin: new Set<Access>(["open", "read", "predict", "observe", "data"]),
});

export const roles: readonly Role[] = Object.freeze(["predict", "observe", "admin"]);

/** The role of that name; undefined where there is none. */
export function roleOf(name: string): Role | undefined {
  return roles.find((role) => role === name);
}

export function grants(role: Role, access: Access): boolean {
  return granted[role].has(access);
}

/** The roles that may call a route, for people: "predict or admin". */
export function rolesFor(access: Access): string {
  return roles.filter((role) => grants(role, access)).join(" or ");
}
