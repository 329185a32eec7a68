/** Amounts of one resource, by node slot. */
export interface Column {
  allocatable: Float64Array<ArrayBuffer>
  used: Float64Array<ArrayBuffer>
}

/** The numbers of all nodes, one array a resource. Arrays are replaced when they grow: fetch them anew each cycle. */
export interface Columns {
  column(resource: string): Column
  /** The column, if any node or pod ever named the resource. */
  known(resource: string): Column | undefined
  all(): Iterable<readonly [string, Column]>
  readonly scoredCpuMilli: Float64Array<ArrayBuffer>
  readonly scoredMemoryBytes: Float64Array<ArrayBuffer>
  readonly capacity: number
  grow(capacity: number): void
}

export const grown = <A extends Float64Array | Int32Array>(array: A, capacity: number): A => {
  const next = (array instanceof Float64Array ? new Float64Array(capacity) : new Int32Array(capacity)) as A
  next.set(array)
  return next
}

export const createColumns = (): Columns => {
  let capacity = 64
  const columns = new Map<string, Column>()
  let scoredCpuMilli = new Float64Array(capacity)
  let scoredMemoryBytes = new Float64Array(capacity)
  return {
    column: (resource) => {
      let column = columns.get(resource)
      if (!column) {
        column = { allocatable: new Float64Array(capacity), used: new Float64Array(capacity) }
        columns.set(resource, column)
      }
      return column
    },
    known: (resource) => columns.get(resource),
    all: () => columns,
    get scoredCpuMilli() {
      return scoredCpuMilli
    },
    get scoredMemoryBytes() {
      return scoredMemoryBytes
    },
    get capacity() {
      return capacity
    },
    grow: (to) => {
      capacity = to
      for (const [, column] of columns) {
        column.allocatable = grown(column.allocatable, to)
        column.used = grown(column.used, to)
      }
      scoredCpuMilli = grown(scoredCpuMilli, to)
      scoredMemoryBytes = grown(scoredMemoryBytes, to)
    },
  }
}
