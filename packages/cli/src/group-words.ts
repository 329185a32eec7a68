import type { VerbGroup } from './verb.ts'

/** What the parts of a verb do, and how its usage goes on. */
interface GroupWords {
  readonly about: string
  readonly usage: string
  readonly parts: Readonly<Record<string, string>>
}

const words: Readonly<Record<string, GroupWords>> = {
  rollout: {
    about: 'Manage the rollout of deployments, daemonsets and statefulsets.',
    usage: 'SUBCOMMAND [options]',
    parts: {
      history: 'View rollout history',
      pause: 'Mark the provided resource as paused',
      restart: 'Restart a resource',
      resume: 'Resume a paused resource',
      status: 'Show the status of the rollout',
      undo: 'Undo a previous rollout',
    },
  },
  set: {
    about: 'Configure application resources.',
    usage: 'SUBCOMMAND [options]',
    parts: {
      env: 'Update environment variables on a pod template',
      image: 'Update the image of a pod template',
      resources: 'Update resource requests/limits on objects with pod templates',
      selector: 'Set the selector on a resource',
      serviceaccount: 'Update the service account of a resource',
      subject: 'Update the user, group, or service account in a role binding or cluster role binding',
    },
  },
  top: {
    about: 'Display resource (CPU/memory) usage.',
    usage: '[flags] [options]',
    parts: { node: 'Display resource (CPU/memory) usage of nodes', pod: 'Display resource (CPU/memory) usage of pods' },
  },
  auth: {
    about: 'Inspect authorization.',
    usage: '[flags] [options]',
    parts: { 'can-i': 'Check whether an action is allowed', whoami: 'Check self subject attributes' },
  },
  config: {
    about: 'Modify kubeconfig files.',
    usage: 'SUBCOMMAND [options]',
    parts: {
      'current-context': 'Display the current-context',
      'delete-cluster': 'Delete the specified cluster from the kubeconfig',
      'delete-context': 'Delete the specified context from the kubeconfig',
      'delete-user': 'Delete the specified user from the kubeconfig',
      'get-clusters': 'Display clusters defined in the kubeconfig',
      'get-contexts': 'Describe one or many contexts',
      'get-users': 'Display users defined in the kubeconfig',
      'rename-context': 'Rename a context from the kubeconfig file',
      set: 'Set an individual value in a kubeconfig file',
      'set-cluster': 'Set a cluster entry in kubeconfig',
      'set-context': 'Set a context entry in kubeconfig',
      'set-credentials': 'Set a user entry in kubeconfig',
      unset: 'Unset an individual value in a kubeconfig file',
      'use-context': 'Set the current-context in a kubeconfig file',
      view: 'Display merged kubeconfig settings or a specified kubeconfig file',
    },
  },
}

const shortestColumn = 11

/** The help of a verb that has parts. */
export const groupHelp = (name: string, path: string, group: VerbGroup): string => {
  const { about, usage = '[flags] [options]', parts: abouts = {} } = words[path] ?? ({} as Partial<GroupWords>)
  const parts = Object.keys(group.parts).sort()
  const width = Math.max(shortestColumn, ...parts.map((part) => part.length)) + 3
  const lines = parts.map((part) => `  ${part.padEnd(width)}${abouts[part] ?? ''}`.trimEnd())
  const head = about ? `${about}\n\n` : ''
  return `${head}Available Commands:\n${lines.join('\n')}\n\nUsage:\n  ${name} ${path} ${usage}\n\nUse "${name} ${path} <command> --help" for more information about a given command.\nUse "${name} options" for a list of global command-line options (applies to all commands).\n`
}

/** kubectl answers most such verbs on standard error. */
export const isAnsweredOnOutput = (path: string): boolean => path === 'rollout'
