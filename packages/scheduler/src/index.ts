export * from './cycle/framework.ts'
export { defaultPlugins } from './plugins/default-plugins.ts'
export * from './start.ts'
