/** A server that a suite started for itself. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}
