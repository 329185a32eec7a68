export * from './env.ts'
export * from './field.ts'
export * from './meta.ts'
export * from './refusal.ts'
