import { describe, expect, it } from "vitest";
import { composeOf, dnsLabel, dockerfileText, kserveOf, kubernetesOf } from "./manifests.ts";
import { bomOf } from "./sbom.ts";
import { yamlText } from "./yaml.ts";

const deployment = { name: "churn", image: "churn:3", version: 3 };

describe("yamlText", () => {
  it("writes maps, lists and texts that no reader takes for something else", () => {
    const value = { a: [{ b: "yes", c: [] }, "1.0", null], "k e:y": { d: {}, e: ["x: y", true, -0.5] } };
    expect(yamlText(value)).toBe(
      [
        "a:",
        '  - b: "yes"',
        "    c: []",
        '  - "1.0"',
        "  - null",
        '"k e:y":',
        "  d: {}",
        "  e:",
        '    - "x: y"',
        "    - true",
        "    - -0.5",
        "",
      ].join("\n"),
    );
  });
});

describe("dnsLabel", () => {
  it.each([
    ["House Prices", "house-prices"],
    ["__proto__", "proto"],
    ["3 stars", "model-3-stars"],
    ["日本", "model"],
    ["a".repeat(80), "a".repeat(52)],
  ])("makes of %j the label %j", (name, label) => {
    expect(dnsLabel(name)).toBe(label);
    expect(label).toMatch(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/);
  });
});

describe("what is written for containers", () => {
  it("runs without root, writes to /tmp alone and answers probes", () => {
    const dockerfile = dockerfileText(deployment, false);
    expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
    for (const line of ["USER 1000:1000", "HEALTHCHECK ", "EXPOSE 8080", "COPY package.json ./"])
      expect(dockerfile).toContain(line);
    expect(dockerfileText(deployment, true)).toContain("COPY package.json millrace.tgz ./");
    const [workload] = kubernetesOf(deployment);
    expect(workload).toMatchObject({
      spec: {
        template: {
          spec: {
            securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
            containers: [
              {
                image: "churn:3",
                securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
                resources: { limits: { memory: "2Gi" } },
                readinessProbe: { httpGet: { path: "/readyz", port: 8080 } },
              },
            ],
          },
        },
      },
    });
    expect(composeOf(deployment)).toMatchObject({ services: { churn: { read_only: true, cap_drop: ["ALL"] } } });
    expect(kserveOf(deployment)).toMatchObject({ kind: "InferenceService", metadata: { name: "churn" } });
  });
});

describe("bomOf", () => {
  it("lists the models by digest and packages by purl and licence, with what needs what", () => {
    const packages = [
      { name: "millrace", version: "1.0.0", license: "Apache-2.0", needs: ["@a/b@2.0.0"] },
      { name: "@a/b", version: "2.0.0", license: "(MIT OR CC0-1.0)", needs: [] },
      { name: "c", version: "3.0.0", license: "SEE LICENSE IN x", needs: [] },
    ];
    const { components, dependencies } = bomOf(packages, [{ name: "churn", version: 3, digest: "sha256:ab" }]);
    expect(components).toMatchObject([
      { type: "machine-learning-model", name: "churn", hashes: [{ alg: "SHA-256", content: "ab" }] },
      { purl: "pkg:npm/millrace@1.0.0", licenses: [{ license: { id: "Apache-2.0" } }] },
      { purl: "pkg:npm/%40a/b@2.0.0", licenses: [{ expression: "(MIT OR CC0-1.0)" }] },
      { purl: "pkg:npm/c@3.0.0", licenses: [{ license: { name: "SEE LICENSE IN x" } }] },
    ]);
    expect(dependencies).toMatchObject([
      { ref: "model:churn@3", dependsOn: ["pkg:npm/millrace@1.0.0"] },
      { ref: "pkg:npm/millrace@1.0.0", dependsOn: ["pkg:npm/%40a/b@2.0.0"] },
      {},
      {},
    ]);
  });
});
