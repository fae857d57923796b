/** Why a file of another trainer is not imported; `importModel` adds which file. */
export class Refusal extends Error {}

export function refuse(reason: string): never {
  throw new Refusal(reason);
}
