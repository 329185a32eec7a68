import { node as nodes } from '@skiff/api'
import { isRefusal } from '@skiff/machinery'
import { silentAnnotation } from '@skiff/simulation'
import { adminClient } from './admin-client.ts'
import type { Place } from './place.ts'
import { isRunning } from './process-mark.ts'
import type { ClusterRecord } from './record.ts'
import { type Tell, UserError } from './talk.ts'

/** `skiff node stop|start NAME` for a node that the server plays: an annotation says whether its agent speaks. */
export const stageNodeCommand = async (
  place: Place,
  record: ClusterRecord,
  verb: 'stop' | 'start' | 'cut' | 'mend',
  nodeName: string,
  tell: Tell,
): Promise<void> => {
  if (verb === 'cut' || verb === 'mend')
    throw new UserError(
      `simulated nodes have no network to ${verb}: \`skiff node ${verb === 'cut' ? 'stop' : 'start'}\` is the nearest to it`,
    )
  if (!isRunning(record.server))
    throw new UserError(`cluster ${record.name} is not running; start it with \`skiff up --name ${record.name}\``)
  const client = await adminClient(place)
  const silent = verb === 'stop' ? 'true' : null
  try {
    await client.patch(nodes, { name: nodeName }, 'merge', { metadata: { annotations: { [silentAnnotation]: silent } } })
  } catch (error) {
    if (isRefusal(error, 404)) throw new UserError(`there is no node ${nodeName}`)
    throw error
  }
  tell(
    verb === 'stop'
      ? `node ${nodeName} is silent: once its grace is over it is NotReady, and its pods are replaced after their toleration`
      : `node ${nodeName} speaks again`,
  )
}
