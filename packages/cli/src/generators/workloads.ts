import type { JsonObject } from '@skiff/machinery'
import { at, mapAt, textAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { type Generator, named } from './generator.ts'
import { containerName, nameArgument } from './words.ts'

const imagesOf = ({ flags }: Invocation): readonly string[] => {
  const images = flags.list('image')
  if (images.length === 0 || images[0] === '') throw new UsageError('required flag(s) "image" not set')
  return images
}

/** The words after `--`. */
const commandOf = ({ args, dashAt }: Invocation): string[] => (dashAt === undefined ? [] : args.slice(dashAt))
const nameBefore = (invocation: Invocation): string =>
  nameArgument({ ...invocation, args: invocation.args.slice(0, invocation.dashAt ?? invocation.args.length) })

export const deployment: Generator = {
  usage: 'NAME --image=image -- [COMMAND] [args...]',
  flags: ['image:list', 'replicas|r:int=1', 'port:int=-1'],
  required: ['image'],
  object: (invocation) => {
    const name = nameBefore(invocation)
    const images = imagesOf(invocation)
    const command = commandOf(invocation)
    if (images.length > 1 && command.length > 0) throw new UsageError('cannot specify multiple --image options and command')
    const port = invocation.flags.int('port') ?? -1
    const containers = images.map((image, i) => ({
      image,
      name: containerName(image),
      resources: {},
      ...(command.length > 0 ? { command } : {}),
      ...(port >= 0 && i === 0 ? { ports: [{ containerPort: port }] } : {}),
    }))
    const labels = { app: name }
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { labels, name },
      spec: {
        replicas: invocation.flags.int('replicas') ?? 1,
        selector: { matchLabels: labels },
        strategy: {},
        template: { metadata: { labels }, spec: { containers } },
      },
      status: {},
    }
  },
}

const jobTemplate = (name: string, image: string, command: readonly string[], restart: string): JsonObject => ({
  template: {
    metadata: {},
    spec: { containers: [{ image, name, resources: {}, ...(command.length > 0 ? { command } : {}) }], restartPolicy: restart },
  },
})

export const job: Generator = {
  usage: 'NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]',
  flags: ['image:string', 'from:string'],
  object: async (invocation) => {
    const name = nameBefore(invocation)
    const from = invocation.flags.text('from')
    if (!from && !invocation.flags.text('image')) throw new UsageError('either --image or --from must be specified')
    if (from) return fromCronJob(invocation, name, from)
    return named('batch/v1', 'Job', name, {
      spec: jobTemplate(name, invocation.flags.text('image') as string, commandOf(invocation), 'Never'),
      status: {},
    })
  },
}

const fromCronJob = async ({ session }: Invocation, name: string, from: string): Promise<JsonObject> => {
  const { readResourceWords, fetchInfo } = await import('../objects/select.ts')
  const [found] = await readResourceWords(session, [from])
  if (found?.resource.kind !== 'CronJob') throw new UsageError('from must be an existing cronjob')
  const { namespace } = await session.connect()
  const { object } = await fetchInfo(session, { resource: found.resource, namespace, name: found.names[0] as string })
  const template = mapAt(object, 'spec.jobTemplate')
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual', ...mapAt(template, 'metadata.annotations') },
      labels: mapAt(template, 'metadata.labels'),
      ownerReferences: [
        {
          apiVersion: 'batch/v1',
          kind: 'CronJob',
          name: textAt(object, 'metadata.name'),
          uid: textAt(object, 'metadata.uid'),
          controller: true,
        },
      ],
    },
    spec: at(template, 'spec') ?? {},
  }
}

export const cronJob: Generator = {
  usage: "NAME --image=image --schedule='0/5 * * * ?' -- [COMMAND] [args...]",
  flags: ['image:string', 'schedule:string', 'restart:string=OnFailure'],
  required: ['image', 'schedule'],
  object: (invocation) => {
    const { flags } = invocation
    const [image, schedule] = [flags.text('image'), flags.text('schedule')]
    const missing = [...(image ? [] : ['image']), ...(schedule ? [] : ['schedule'])]
    if (!image || !schedule) throw new UsageError(`required flag(s) ${missing.map((each) => JSON.stringify(each)).join(', ')} not set`)
    const name = nameBefore(invocation)
    const spec = jobTemplate(name, image, commandOf(invocation), flags.text('restart') ?? 'OnFailure')
    return named('batch/v1', 'CronJob', name, { spec: { jobTemplate: { metadata: { name }, spec }, schedule }, status: {} })
  },
}
