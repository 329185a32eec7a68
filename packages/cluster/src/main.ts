import { existsSync, readFileSync } from 'node:fs'
import { systemEnv } from '@skiff/machinery'
import { Command, Option } from 'commander'
import { type NodeFlag, nodeFlags, optionOf } from './node-flags.ts'
import { chosenCluster } from './record.ts'
import { skiffVersion } from './skiff-version.ts'

const tell = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const nameOption = (flags = '--name <name>') => new Option(flags, 'name of the cluster').env('SKIFF_CLUSTER').default('default')

/** Those of the controllers alone, or of the API server too. */
const withNodeFlags = (command: Command, whose: 'controllers' | 'all' = 'all'): Command =>
  (Object.keys(nodeFlags) as NodeFlag[])
    .filter((flag) => whose === 'all' || !flag.startsWith('default'))
    .reduce((made, flag) => {
      const { takes, does } = nodeFlags[flag]
      return made.option(`${optionOf(flag)} <${takes}>`, does)
    }, command)

const addClusterCommands = (program: Command): void => {
  const up = program
    .command('up')
    .description('make or start a cluster on this machine')
    .addOption(nameOption())
    .option('--nodes <count>', 'how many nodes', Number)
    .option('--data <dir>', 'where the cluster keeps its data')
    .option('--api-port <port>', 'port of the API server (6443, or a free one)', Number)
    .option('--runtime <runtime>', 'containerd or simulated')
    .option('--control-plane-only', 'no nodes: API server, controllers and scheduler')
    .option('--simulated-nodes <count>', 'so many nodes that run nothing, played in the server: thousands at a time', Number)
    .option('--simulation <file>', 'what simulated nodes are like, what becomes of pods on them, and what these use')
    .option('--controllers <list>', 'which controllers run, in upstream syntax (*, name, -name)')
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration, as kube-scheduler takes it with --config')
    .option('--scheduler-plugins <files>', "plugins for the scheduler's profiles: TypeScript or JavaScript files, divided by commas")
    .option('--service-cluster-ip-range <ranges>', 'addresses of Services: a range, or one of each family divided by a comma')
    .option('--service-node-port-range <ports>', 'node ports, as first-last (30000-32767)')
    .option('--feature-gates <list>', 'features to turn on and off, as A=true,B=false; also AllAlpha and AllBeta')
    .option('--runtime-config <list>', 'versions and resources to serve or not, as api/beta=true,apps/v1=false,batch/v1/jobs=false')
    .option('--max-requests-inflight <count>', 'requests that change nothing and are worked on at a time (400)', Number)
    .option('--max-mutating-requests-inflight <count>', 'requests that change something and are worked on at a time (200)', Number)
    .option('--enable-priority-and-fairness <bool>', 'whether clients share those fairly (true)')
    .option('--enable-bootstrap-token-auth', 'tokens of Secrets of type bootstrap.kubernetes.io/token authenticate')
    .option('--no-enable-bootstrap-token-auth', 'they do so no longer')
    .option('--legacy-apis', 'serve also the API versions that upstream removed, such as extensions/v1beta1')
    .option('--no-legacy-apis', 'serve them no longer')
    .action(async (options) => (await import('./up.ts')).up(options, tell))
  withNodeFlags(up)
  program
    .command('down')
    .description('take a cluster down and remove what it made')
    .addOption(nameOption())
    .option('--keep-data', 'keep its objects and images for the next up')
    .action(async (options) => (await import('./down.ts')).down(options.name, options.keepData === true, tell))
  program
    .command('status')
    .description('what runs here')
    .addOption(nameOption())
    .action(async (options) => {
      const { requireRecord } = await import('./record.ts')
      const { place, record } = requireRecord(options.name)
      tell(await (await import('./status.ts')).describeStatus(place, record))
    })
  program
    .command('kubeconfig')
    .description('print the kubeconfig of a cluster')
    .addOption(nameOption())
    .action(async (options) => {
      const { requireRecord } = await import('./record.ts')
      process.stdout.write(readFileSync(requireRecord(options.name).place.kubeconfig, 'utf8'))
    })
  program
    .command('journal [component]')
    .description('the log of a part of Skiff itself: apiserver, controllers, scheduler, node, containerd, network, dns, store')
    .addOption(nameOption())
    .option('-f, --follow', 'go on with what is written from now on')
    .action(async (component: string | undefined, options) =>
      (await import('./journal-command.ts')).journal(options.name, component, options.follow === true, tell),
    )
  program
    .command('serve', { hidden: true })
    .requiredOption('--name <name>')
    .requiredOption('--dir <dir>')
    .action(async (options) => (await import('./serve.ts')).serve(options.name, options.dir))
  program
    .command('agent', { hidden: true })
    .requiredOption('--name <name>')
    .requiredOption('--dir <dir>')
    .requiredOption('--node <node>')
    .action(async (options) => (await import('./agent.ts')).agent(options.name, options.dir, options.node))
  program
    .command('scheduler')
    .description('the scheduler alone, for the cluster of a kubeconfig; of several copies one acts')
    .option('--kubeconfig <file>', 'how to reach the cluster')
    .option('--config <file>', 'a KubeSchedulerConfiguration')
    .option('--plugins <files>', 'plugins for its profiles: TypeScript or JavaScript files, divided by commas')
    .option('--port <port>', 'serves /metrics and /healthz on 127.0.0.1', Number)
    .action(async (options) => (await import('./scheduler-process.ts')).schedulerCommand(options))
  const controllers = program
    .command('controllers')
    .description('the controllers alone, for the cluster of a kubeconfig; of several copies one acts')
    .option('--kubeconfig <file>', 'how to reach the cluster, as a user who may impersonate')
    .option('--controllers <list>', 'which of them run, in upstream syntax (*, name, -name)')
    .option('--no-leader-elect', 'run at once: nobody else runs them')
    .option('--port <port>', 'serves /metrics and /healthz on 127.0.0.1', Number)
    .action(async (options) => (await import('./controllers-process.ts')).controllersCommand(options))
  withNodeFlags(controllers, 'controllers')
  // With flags it is kubectl's verb, which knows of client and server.
  if (process.argv[2] !== 'version' || process.argv.length === 3)
    program
      .command('version')
      .description("Skiff's version")
      .action(() => tell(skiffVersion))
}

const nodeVerbs = [
  ['stop', 'end a node and all that runs on it'],
  ['start', 'start a node that was stopped'],
  ['cut', "cut a node's network"],
  ['mend', 'undo a cut'],
] as const

const addNodeCommands = (program: Command): void => {
  const node = program.command('node').description('stop and start the nodes of this machine, cut and mend their network')
  for (const [verb, does] of nodeVerbs)
    node
      .command(`${verb} <node>`)
      .description(does)
      .addOption(nameOption())
      .action(async (name: string, options) => (await import('./node-commands.ts')).nodeCommand(verb, name, options.name, tell))
}

const addSnapshotCommands = (program: Command): void => {
  const snapshot = program.command('snapshot').description("copies of a cluster's objects")
  snapshot
    .command('save <file>')
    .description('write all objects to a new file, of a running cluster or a stopped one')
    .addOption(nameOption())
    .action(async (file: string, options) => (await import('./snapshot-commands.ts')).saveSnapshot(options.name, file, tell))
  snapshot
    .command('restore <file>')
    .description('give a stopped cluster the objects of a snapshot')
    .addOption(nameOption())
    .action(async (file: string, options) => (await import('./snapshot-commands.ts')).restore(options.name, file, tell))
}

const addSimulateCommand = (program: Command): void => {
  program
    .command('simulate <trace>')
    .description('replay what happens to a cluster, faster than real time, and print what comes of it')
    .addHelpText(
      'after',
      '\nThe trace is a YAML file of kind Trace: nodes, and steps that say at which time what is done and what is expected.\nThe exit code is 1 when something that is expected does not hold, and when the trace cannot be read.\ndocs/guides/simulate-a-cluster.md tells all of it, with examples.',
    )
    .option('--seed <number>', 'equal seeds give equal output', Number, 1)
    .action(async (trace: string, options) => {
      const { simulate } = await import('./simulate-command.ts')
      const aside = (text: string) => process.stderr.write(`${text}\n`)
      if (!(await simulate(trace, options.seed, tell, aside))) process.exitCode = 1
    })
}

const addCodecCommand = (program: Command): void => {
  const form = (flags: string, description: string) =>
    new Option(flags, description).choices(['json', 'yaml', 'protobuf', 'cbor']).makeOptionMandatory()
  program
    .command('codec')
    .description('read an object from standard input and write it in another form, without a server')
    .addOption(form('--from <form>', 'what is read'))
    .addOption(form('--to <form>', 'what is written'))
    .action(async (options) => (await import('./codec-command.ts')).codec(options.from, options.to, process.stdin, process.stdout))
}

const addImageCommands = (program: Command): void => {
  const image = program.command('image').description('images without a registry')
  image
    .command('import <file>')
    .description('import an OCI or docker archive into every node')
    .addOption(nameOption())
    .action(async (file: string, options) => {
      for (const name of await (await import('./images.ts')).importEverywhere(options.name, file)) tell(name)
    })
  const list = (value: string, earlier: string[] = []): string[] => [...earlier, value]
  image
    .command('pack')
    .description('make an image from a directory, and import it into every node')
    .requiredOption('--from <dir>', "becomes the image's root directory")
    .requiredOption('--name <ref>', 'name of the image')
    .option('--entrypoint <json>', 'a JSON list', JSON.parse)
    .option('--cmd <json>', 'a JSON list', JSON.parse)
    .option('--env <key=value>', 'environment; may be repeated', list)
    .option('--user <user>', 'uid, uid:gid or name')
    .option('--out <file>', 'write the archive there instead of importing it')
    .addOption(nameOption('--cluster <name>'))
    .action(async (options) => {
      const { packEverywhere } = await import('./images.ts')
      const { entrypoint, cmd, env, user } = options
      const wanted = {
        fromDir: options.from,
        name: options.name,
        ...(entrypoint ? { entrypoint } : {}),
        ...(cmd ? { cmd } : {}),
        ...(env ? { env } : {}),
        ...(user ? { user } : {}),
      }
      if (options.out) {
        const { packImage } = await import('@skiff/node')
        tell((await packImage({ ...wanted, out: options.out })).name)
      } else for (const name of await packEverywhere(options.cluster, wanted)) tell(name)
    })
}

/** The kubeconfig of this machine's own cluster, for when the user named no other. */
const fallbackKubeconfig = (): string | undefined => {
  const path = chosenCluster(process.env)?.kubeconfig
  return path !== undefined && existsSync(path) ? path : undefined
}

const catchInterrupts = (): AbortSignal => {
  const interrupted = new AbortController()
  process.once('SIGINT', () => interrupted.abort())
  return interrupted.signal
}

const kubectlDeps = () => ({
  catchInterrupts,
  fallbackKubeconfig,
  env: systemEnv(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  variables: process.env,
  name: 'skiff',
})

const sentenceOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC') return `the disk is full${path ? ` (${path})` : ''}: make space and try again`
  const plain = error.constructor.name === 'UserError' || process.env.SKIFF_DEBUG === undefined
  return plain ? error.message : (error.stack ?? error.message)
}

/** kubectl takes flags before the verb: `-n shop get pods`. Skiff's own commands do not. */
const beginsWithFlag = (word = ''): boolean => word.startsWith('-') && word !== '-h' && word !== '--help'

const main = async (): Promise<void> => {
  // Whoever reads our output may have seen enough (`| head`): no fault, and nobody to tell. As a shell counts SIGPIPE.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : 1))
  if (beginsWithFlag(process.argv[2])) {
    process.exitCode = await (await import('@skiff/cli')).runKubectl(process.argv.slice(2), kubectlDeps())
    return
  }
  const program = new Command('skiff')
    .description('A complete Kubernetes in one command')
    .showHelpAfterError('(skiff --help lists the commands)')
  addClusterCommands(program)
  addImageCommands(program)
  addNodeCommands(program)
  addSnapshotCommands(program)
  addCodecCommand(program)
  addSimulateCommand(program)
  program
    .command('demo')
    .description('a guestbook of three tiers: comes up, heals, scales, rolls out and back')
    .addOption(nameOption())
    .action(async (options) => (await import('./demo/demo.ts')).demo(options.name, tell))
  // kubectl's verbs are loaded only when one of them is asked for.
  const own = program.commands.some((command) => command.name() === process.argv[2])
  if (!own) (await import('@skiff/cli')).addKubectlVerbs(program, kubectlDeps())
  try {
    await program.parseAsync()
  } catch (error) {
    process.stderr.write(`skiff: ${sentenceOf(error)}\n`)
    process.exitCode = 1
  }
}

await main()
