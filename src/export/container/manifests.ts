import type { JsonObject } from "../../core/json.ts";

/** What a container serves, and as what it is known. */
export interface Deployment {
  /** A DNS label: of the image, the workload and the service. */
  readonly name: string;
  readonly image: string;
  readonly version: number;
}

export const containerPort = 8080;

/** The user `node` of the official images. */
const user = 1000;

/** What the container runs; its image says the same. The whole of a server without a project, on every address of the container. */
export function commandOf({ name }: Pick<Deployment, "name">): readonly string[] {
  const hosts = [
    name,
    `${name}.default`,
    `${name}.default.svc`,
    `${name}.default.svc.cluster.local`,
    `${name}-predictor.default`,
  ];
  const serve = ["serve", "--exported", "/app/served", "--host", "0.0.0.0", "--port", String(containerPort)];
  return ["node", "/app/node_modules/millrace/dist/cli/main.js", ...serve, "--allow-host", hosts.join(",")];
}

/**
 * A Dockerfile: packages are installed in a stage of their own, and what runs has no package manager's cache, no root and writes
 * nothing but bodies of batches in Parquet, to `/tmp`.
 */
export function dockerfileText(deployment: Deployment, hasPackage: boolean): string {
  const [program, main, ...args] = commandOf(deployment);
  const ready = `fetch("http://127.0.0.1:${containerPort}/readyz").then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  return [
    "FROM node:22-bookworm-slim AS packages",
    "WORKDIR /app",
    `COPY package.json ${hasPackage ? "millrace.tgz " : ""}./`,
    "RUN npm install --omit=dev --ignore-scripts --no-audit --no-fund",
    "",
    "FROM node:22-bookworm-slim",
    "ENV NODE_ENV=production",
    "WORKDIR /app",
    "COPY --from=packages /app/node_modules ./node_modules",
    "COPY served ./served",
    `USER ${user}:${user}`,
    `EXPOSE ${containerPort}`,
    `HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ${JSON.stringify(["node", "-e", ready])}`,
    `ENTRYPOINT ${JSON.stringify([program, main])}`,
    `CMD ${JSON.stringify(args)}`,
    "",
  ].join("\n");
}

/** Where batches in Parquet are kept until they are whole: all else is read-only. */
const bodies = { name: "bodies", mountPath: "/tmp" };
const volumes: readonly JsonObject[] = [{ name: bodies.name, emptyDir: { sizeLimit: "3Gi" } }];

/** A Compose file (compose-spec): the container on a loopback port of this machine. */
export function composeOf({ name, image }: Deployment): JsonObject {
  return {
    services: {
      [name]: {
        build: ".",
        image,
        read_only: true,
        user: `${user}:${user}`,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
        ports: [`127.0.0.1:${containerPort}:${containerPort}`],
        volumes: [{ type: "volume", target: bodies.mountPath }],
        restart: "unless-stopped",
      },
    },
  };
}

const restricted: JsonObject = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
const podSecurity: JsonObject = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  seccompProfile: { type: "RuntimeDefault" },
};

function containerOf(deployment: Deployment): JsonObject {
  const probe = (path: string): JsonObject => ({ httpGet: { path, port: containerPort } });
  return {
    name: "millrace",
    image: deployment.image,
    ports: [{ containerPort, protocol: "TCP" }],
    readinessProbe: { ...probe("/readyz"), periodSeconds: 5 },
    livenessProbe: { ...probe("/healthz"), periodSeconds: 10, failureThreshold: 6 },
    // Two processes that read batches in Parquet may take 640 MB each beside the server.
    resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { memory: "2Gi" } },
    securityContext: restricted,
    volumeMounts: [bodies],
  };
}

/** A Deployment of two, a Service, and a PodDisruptionBudget that leaves one: under the "restricted" Pod Security Standard. */
export function kubernetesOf(deployment: Deployment): readonly JsonObject[] {
  const { name, version } = deployment;
  const selector = { "app.kubernetes.io/name": name };
  const labels = { ...selector, "app.kubernetes.io/version": String(version), "app.kubernetes.io/part-of": "millrace" };
  const metadata = { name, labels };
  const pod = {
    automountServiceAccountToken: false,
    // Longer than a server takes to answer what is open.
    terminationGracePeriodSeconds: 30,
    securityContext: podSecurity,
    containers: [containerOf(deployment)],
    volumes,
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: 2,
        selector: { matchLabels: selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels }, spec: pod },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector, ports: [{ name: "http", port: 80, targetPort: containerPort }] },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { minAvailable: 1, selector: { matchLabels: selector } },
    },
  ];
}

/** A KServe InferenceService with the container as its predictor: it answers the Open Inference Protocol v2 by itself. */
export function kserveOf(deployment: Deployment): JsonObject {
  const container = { ...containerOf(deployment), ports: [{ name: "http1", containerPort, protocol: "TCP" }] };
  return {
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: deployment.name, labels: { "app.kubernetes.io/part-of": "millrace" } },
    spec: { predictor: { securityContext: podSecurity, containers: [container], volumes } },
  };
}

/** A model's name as a DNS label (RFC 1123): lower case, letters, digits and inner hyphens, at most 52 so that suffixes fit. */
export function dnsLabel(name: string): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 52)
    .replaceAll(/^-+|-+$/g, "");
  return /^[a-z]/.test(label) ? label : `model-${label}`.replace(/-$/, "");
}
