export { addKubectlVerbs, runKubectl } from './program.ts'
export type { KubectlDeps } from './session.ts'
