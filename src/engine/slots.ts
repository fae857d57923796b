/** A number of places that work takes and gives back; who asks first is served first, so that nobody waits for ever. */
export interface Slots {
  /** Waits for `count` places ("all" = every one) and returns what gives them back. */
  take(count: number | "all"): Promise<() => void>;
}

export function createSlots(total: number): Slots {
  let free = total;
  const waiting: { readonly count: number; readonly start: () => void }[] = [];
  const serve = (): void => {
    for (let first = waiting[0]; first !== undefined && first.count <= free; first = waiting[0]) {
      waiting.shift();
      free -= first.count;
      first.start();
    }
  };
  return {
    async take(asked) {
      const count = asked === "all" ? total : Math.min(asked, total);
      let isGiven = false;
      const giveBack = (): void => {
        if (isGiven) return;
        isGiven = true;
        free += count;
        serve();
      };
      if (waiting.length > 0 || count > free) await new Promise<void>((start) => waiting.push({ count, start }));
      else free -= count;
      return giveBack;
    },
  };
}
