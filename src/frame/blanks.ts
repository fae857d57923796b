/** The text without what surrounds a value: blanks, tabs and line ends. */
export function trimBlanks(text: string): string {
  return text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, "");
}
