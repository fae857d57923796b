export function cliPage(groups: readonly { readonly title: string; readonly verbs: readonly object[] }[]): string;
