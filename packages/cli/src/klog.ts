import type { Env } from '@skiff/machinery'

/** The head of a line of klog, `W1121 15:02:03.363694   29905`, which kubectl's own warnings carry. */
export const klogHead = (level: string, env: Pick<Env, 'now'>): string => {
  const iso = new Date(env.now()).toISOString()
  return `${level}${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000 ${String(process.pid).padStart(7)}`
}
