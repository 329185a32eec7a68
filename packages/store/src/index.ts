export { type DurableOptions, openDurableStore } from './durable/durable.ts'
export { restoreSnapshot } from './durable/snapshot.ts'
export { openMemoryStore } from './memory/memory.ts'
export * from './store.ts'
