export function estimatorsPage(implementations: readonly object[]): string;
