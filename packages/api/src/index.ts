export * from './generated/resources.ts'
export type * from './generated/types.ts'
export * from './resource.ts'
