/** The settings of Go's text/tabwriter that kubectl uses, blanks as padding. */
export interface TabSettings {
  readonly minWidth: number
  readonly padding: number
}

/** Tables of get and api-resources. */
export const tableTabs: TabSettings = { minWidth: 6, padding: 3 }
/** Texts of describe. */
export const describeTabs: TabSettings = { minWidth: 0, padding: 2 }

const widthOf = (text: string): number => (/^[\x20-\x7e]*$/.test(text) ? text.length : [...text].length)

/**
 * Aligns text as Go's tabwriter does. A cell is what ends with a tab; the cells of neighbouring lines that stand in the same place
 * form a column. What follows a line's last tab is no cell.
 */
export const alignTabs = (text: string, { minWidth, padding }: TabSettings): string => {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const widths = lines.map((cells) => new Array<number>(cells.length - 1).fill(0))
  const deepest = Math.max(...lines.map((cells) => cells.length - 1))
  for (let column = 0; column < deepest; column++)
    for (let at = 0; at < lines.length; at++) {
      let end = at
      let width = minWidth
      for (; end < lines.length && (lines[end] as string[]).length - 1 > column; end++)
        width = Math.max(width, widthOf((lines[end] as string[])[column] as string) + padding)
      for (let i = at; i < end; i++) (widths[i] as number[])[column] = width
      if (end > at) at = end
    }
  return lines
    .map((cells, i) =>
      cells
        .map((cell, j) =>
          j < cells.length - 1 ? cell + ' '.repeat(Math.max(0, ((widths[i] as number[])[j] as number) - widthOf(cell))) : cell,
        )
        .join(''),
    )
    .join('\n')
}

/** A table of rows, whose columns keep the width that they had in `remembered` (for watches). */
export const alignRows = (rows: readonly (readonly string[])[], remembered: number[] = []): string => {
  for (const row of rows)
    for (let i = 0; i < row.length - 1; i++)
      remembered[i] = Math.max(remembered[i] ?? tableTabs.minWidth, widthOf(row[i] as string) + tableTabs.padding)
  return rows
    .map(
      (row) =>
        `${row.map((cell, i) => (i < row.length - 1 ? cell + ' '.repeat((remembered[i] as number) - widthOf(cell)) : cell)).join('')}\n`,
    )
    .join('')
}
