/** Looks at what others may change, again and again, one look at a time. */
export interface RepeatedLook {
  /** Looks now. A look that is under way may have read already, so a caller waits for it and for one more. */
  refresh(): Promise<void>;
  /** Looks again some time after each look, until it is stopped. */
  start(): void;
  /** Begins no look by itself any more; resolves when none is under way. */
  stop(): Promise<void>;
  readonly isStopped: boolean;
}

/** `look` never rejects. `everyMs` lie between two looks, by default half a second. */
export function repeatedLook(look: () => Promise<void>, everyMs = 500): RepeatedLook {
  let looking: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const refresh = async (): Promise<void> => {
    if (looking) await looking;
    await (looking ??= look().finally(() => (looking = null)));
  };
  const start = (): void => {
    if (!isStopped) timer = setTimeout(() => void refresh().finally(start), everyMs);
  };
  return {
    refresh,
    start,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      // Who waits for the look under way begins one more.
      while (looking) await looking;
    },
    get isStopped() {
      return isStopped;
    },
  };
}
