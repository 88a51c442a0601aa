/** White space between fields, as `FieldScanner` has it: every byte up to the space; those that only look like it are text. */
const BETWEEN = /[^!-\uffff]+/;

/** The fields of a line. */
export function splitFields(text: string): string[] {
  return text.split(BETWEEN).filter((field) => field !== '');
}

/** Whether a text can be a field: it is not empty, and nothing in it would end it. */
export function isField(text: string): boolean {
  return text !== '' && !BETWEEN.test(text);
}
