/** The current objects of one kind, and word of each change: what the network needs of a client's View, so that any source will do. */
export interface Watched<T> {
  list(): Iterable<T>
  /** The object under `namespace/name` (or `name`, for a cluster-scoped kind), if it exists now. */
  get(key: string): T | undefined
  /** Calls with the key of each object that came, changed or went; the returned function ends it. */
  subscribe(onChange: (change: { readonly key: string }) => void): () => void
}
