import type { TraceOptions, TraceResult } from './run-trace.ts'

/** `runTrace`, loaded when it is first needed: a whole cluster comes with it. */
export const replayTrace = async (options: TraceOptions): Promise<TraceResult> => (await import('./run-trace.ts')).runTrace(options)
