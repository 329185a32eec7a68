import type { Client } from '@grpc/grpc-js'
import type { Env } from '@skiff/machinery'
import type { Runtime, RuntimeEvent } from '../runtime.ts'
import { serviceCaller } from './grpc-channel.ts'
import { onceVisible } from './once-visible.ts'
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
    TaskDelete: { containerId: 'string 1', id: 'string 5' },
    TaskStart: { containerId: 'string 1' },
    ContainerChange: { id: 'string 1' },
  },
  services: { Events: { Subscribe: 'SubscribeRequest stream Envelope' } },
} as const

const filters = [`namespace=="k8s.io",topic~="^/(tasks/(start|delete)|containers/(create|delete))$"`]

/**
 * containerd before 1.7 has no CRI events, so they are made from its own. CRI's own listener answers an exit by freeing what the task
 * held (`tasks/delete`) and notes the exit then, so an end is told by the freeing and handed on once CRI shows it.
 */
export async function* containerdEvents(
  env: Env,
  client: Client,
  runtime: Pick<Runtime, 'containerStatus' | 'podSandboxStatus'>,
  signal: AbortSignal,
): AsyncIterable<RuntimeEvent> {
  const definition = loadTable(events)
  const { stream } = serviceCaller(env, client, events, 'Events', definition)
  const told = async function* (live: AbortSignal) {
    for await (const envelope of stream('Subscribe', { filters }, live)) {
      const event = fromEnvelope(envelope, (name, bytes) => decodeMessage(events, definition, name, bytes))
      if (event) yield event
    }
  }
  yield* onceVisible(env, told, runtime, signal)
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
    case '/tasks/delete': {
      const { containerId, id } = decode('TaskDelete', bytes)
      // Processes of exec, where they are told at all, have an id of their own.
      return id === '' || id === containerId ? { kind: 'stopped', containerId, atNs } : undefined
    }
    default:
      return undefined
  }
}
