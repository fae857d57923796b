/**
 * Who may call a route. `open`: probes and pages, no data changes hands; `read`: what models there are; `predict`:
 * answers. On a loopback address without keys all three are granted; every route must still say which one it is.
 */
export type Access = "open" | "read" | "predict";

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
}
