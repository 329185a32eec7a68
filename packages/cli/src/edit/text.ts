import { type Json, loadYaml, sameJson } from '@skiff/machinery'

/** Why a file comes back to its editor. */
export interface Reason {
  readonly head: string
  readonly causes: readonly string[]
}

const commented = (text: string): string => text.replaceAll('\n', '\n# ')

/** The comment above what is edited. */
export const headerOf = (reasons: readonly Reason[]): string =>
  [
    "# Please edit the object below. Lines beginning with a '#' will be ignored,",
    '# and an empty file will abort the edit. If an error occurs while saving this file will be',
    '# reopened with the relevant failures.',
    '#',
    ...reasons.flatMap(({ head, causes }) => [
      `# ${commented(head)}${causes.length > 0 ? ':' : ''}`,
      ...causes.map((cause) => `# * ${commented(cause)}`),
      '#',
    ]),
    '',
  ].join('\n')

export const withoutComments = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')

const parsed = (text: string): Json | undefined => {
  try {
    return loadYaml(text).value
  } catch {
    return undefined
  }
}

/** Whether two texts say the same, comments and form apart. */
export const sameText = (a: string, b: string): boolean => {
  const [left, right] = [parsed(a), parsed(b)]
  return left === undefined || right === undefined ? withoutComments(a) === withoutComments(b) : sameJson(left, right)
}

export const isBlank = (text: string): boolean => withoutComments(text).trim() === ''
