declare const problem: unique symbol;

/** Shows up in a compiler message where a plain `never` would say nothing. No value has this type. */
export interface Problem<Message extends string> {
  readonly [problem]: Message;
}
