import { encodeJson } from '@skiff/machinery'

const escapes: Readonly<Record<string, string>> = { '<': '003c', '>': '003e', '&': '0026', '\u2028': '2028', '\u2029': '2029' }

/** As Go's MarshalIndent writes it, without an end of line. */
export const indentedJson = (value: unknown): string =>
  JSON.stringify(JSON.parse(encodeJson(value)), null, 2).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${escapes[char]}`)
