/** The types of setup-plan.mjs, which runs before there is a compiler. */

export declare function askedServers(args: readonly string[]): string | null;

export type ServersPlan =
  | { readonly way: 'here' | 'apt' }
  | { readonly way: 'docker'; readonly why: string }
  | { readonly way: 'stop'; readonly why: readonly string[] };

export declare function planServers(facts: {
  readonly asked: string | null;
  readonly missing: readonly string[];
  readonly apt: () => string | null;
  readonly docker: () => string | null;
}): ServersPlan;

export declare function dockerObstacle(facts: {
  readonly platform: string;
  readonly installed: boolean;
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}): string | null;

export declare const DOCKER_INFO_FORMAT: string;

export declare function planPackages(facts: {
  readonly isLink: boolean;
  readonly exists: boolean;
  readonly isStale: boolean;
}): 'nothing' | 'install' | 'use the link' | 'stop';

export declare function whatToType(facts: {
  readonly programs: readonly { readonly name: string; readonly packages: readonly string[] }[];
  readonly apt: boolean;
  readonly docker: 'installed' | 'absent' | 'of no use';
}): string[];
