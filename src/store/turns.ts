/** Lends one connection to one user at a time, in the order they ask; each gets what gives it back. */
export function createTurns(): () => Promise<() => void> {
  let free: Promise<void> = Promise.resolve();
  return async () => {
    const before = free;
    let release = (): void => {};
    free = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  };
}
