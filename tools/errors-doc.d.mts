export function errorsPage(catalogue: object): string;
