import type { Client } from '@grpc/grpc-js'
import type { Env } from '@skiff/machinery'
import { isRuntimeError, type Runtime, type RuntimeEvent } from '../runtime.ts'
import { serviceCaller } from './grpc-channel.ts'
import { decodeMessage, loadTable, type Read } from './proto-table.ts'

// containerd's own event service, with its public field numbers. It is served on the same socket as CRI.
const events = {
  package: 'containerd.services.events.v1',
  enums: {},
  messages: {
    Timestamp: { seconds: 'int64 1', nanos: 'int32 2' },
    Any: { typeUrl: 'string 1', value: 'bytes 2' },
    SubscribeRequest: { filters: 'string[] 1' },
    Envelope: { timestamp: 'Timestamp 1', namespace: 'string 2', topic: 'string 3', event: 'Any 4' },
    TaskExit: { containerId: 'string 1', id: 'string 2' },
    TaskStart: { containerId: 'string 1' },
    ContainerChange: { id: 'string 1' },
  },
  services: { Events: { Subscribe: 'SubscribeRequest stream Envelope' } },
} as const

const filters = [`namespace=="k8s.io",topic~="^/(tasks/(start|exit)|containers/(create|delete))$"`]

const settleStepMs = 10
const settleLimitMs = 2_000

/**
 * containerd before 1.7 has no CRI events, so they are made from its own. CRI's view lags a few milliseconds behind an exit:
 * the event is handed on only once CRI shows it.
 */
export async function* containerdEvents(
  env: Env,
  client: Client,
  runtime: Pick<Runtime, 'containerStatus' | 'podSandboxStatus'>,
  signal: AbortSignal,
): AsyncIterable<RuntimeEvent> {
  const definition = loadTable(events)
  const { stream } = serviceCaller(env, client, events, 'Events', definition)
  for await (const envelope of stream('Subscribe', { filters }, signal)) {
    const event = fromEnvelope(envelope, (name, bytes) => decodeMessage(events, definition, name, bytes))
    if (event === undefined) continue
    if (event.kind === 'stopped') await settled(env, runtime, event.containerId, signal)
    yield event
  }
}

type Decode = <Name extends keyof typeof events.messages>(name: Name, bytes: Buffer) => Read<typeof events, Name>

const fromEnvelope = ({ topic, event, timestamp }: Read<typeof events, 'Envelope'>, decode: Decode): RuntimeEvent | undefined => {
  const bytes = event?.value ?? Buffer.alloc(0)
  const atNs = BigInt(timestamp?.seconds ?? 0) * 1_000_000_000n + BigInt(timestamp?.nanos ?? 0)
  switch (topic) {
    case '/tasks/start':
      return { kind: 'started', containerId: decode('TaskStart', bytes).containerId, atNs }
    case '/containers/create':
      return { kind: 'created', containerId: decode('ContainerChange', bytes).id, atNs }
    case '/containers/delete':
      return { kind: 'deleted', containerId: decode('ContainerChange', bytes).id, atNs }
    case '/tasks/exit': {
      const exit = decode('TaskExit', bytes)
      // Processes of exec end here too, under an id of their own.
      return exit.id === exit.containerId ? { kind: 'stopped', containerId: exit.containerId, atNs } : undefined
    }
    default:
      return undefined
  }
}

const settled = async (
  env: Env,
  runtime: Pick<Runtime, 'containerStatus' | 'podSandboxStatus'>,
  id: string,
  signal: AbortSignal,
): Promise<void> => {
  const startedMs = env.monotonicMs()
  while (!signal.aborted && env.monotonicMs() - startedMs < settleLimitMs) {
    try {
      const container = await runtime.containerStatus(id, { signal })
      const live = container ? container.state === 'running' : ((await runtime.podSandboxStatus(id, { signal }))?.ready ?? false)
      if (!live) return
    } catch (error) {
      // The event itself remains true; whoever gets it asks again and sees this failure.
      if (isRuntimeError(error)) return
      throw error
    }
    await env.sleep(settleStepMs, signal)
  }
}
