/** The current objects of one kind, and word of each change. The client package's view fits. */
export interface Watched<T> {
  list(): Iterable<T>
  /** The object under `namespace/name` (or `name`, for a cluster-scoped kind), if it exists now. */
  get(key: string): T | undefined
  /** Calls with the key of each object that came, changed or went; the returned function ends it. */
  subscribe(onChange: (key: string) => void): () => void
}
