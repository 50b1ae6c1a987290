import { Duration, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  Choice,
  Condition,
  Map as EachOf,
  Fail,
  JsonPath,
  Pass,
  type StateMachine,
  Succeed,
  TaskInput,
} from 'aws-cdk-lib/aws-stepfunctions';
import { EventBridgePutEvents, LambdaInvoke, type LambdaInvokeProps } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import type { NodeFunction } from '../shared/node-function.ts';
import { addStateMachine } from '../shared/state-machine.ts';
import type { Stage } from '../stages.ts';
import { contentCommittedType, eventSource, refusals } from './contract.ts';

export type AggregatorFunctions = Record<
  'GetUrls' | 'GetRepoContents' | 'GetBlogPost' | 'CompareAgainstRepo' | 'AddToList' | 'WriteToGitHub',
  NodeFunction
>;

export interface AggregateMachineProps {
  stage: Stage;
  functions: AggregatorFunctions;
  /** `owner/name` and path of the content file, for the event. */
  repo: string;
  jsonFile: string;
  /** Pages that the feed's host is asked for at once. */
  pagesAtOnce: number;
}

/** Post in the list is the only reason for which one is left out that is none to worry about. */
const exists = 'Exists';

/**
 * One run over one feed. The states are those of the post; those marked + are ours.
 *
 * | state | does | then | on failure |
 * |---|---|---|---|
 * | getnewBlogs | addresses of the newest posts | Get Repo Contents | the run fails |
 * | Get Repo Contents | keys of all links in the content file, put into the bucket | forEachBlog | the run fails |
 * | forEachBlog: getMeta | what the page says of itself | Is It A Post ? + | Ignore Failed + |
 * | forEachBlog: Is It A Post ? + | refused: Ignore Refused +; else Compare Against Repo | | |
 * | forEachBlog: Compare Against Repo | whether its link is known | Decide if Exist ? | Ignore Failed + |
 * | forEachBlog: Decide if Exist ? | 0: Add To List; else Ignore | | |
 * | forEachBlog: Add To List | the entry of the content file | end of the post | Ignore Failed + |
 * | Sum Up + | new entries, posts left out and why: all that goes on | Anything New ? | |
 * | Anything New ? + | new entries: SaveToGitHub; every post failed: Every Post Failed; else Last Commit | | |
 * | Last Commit + | the newest commit where nobody was told of it | Was It Told ? | the run fails |
 * | Was It Told ? + | not told: Tell The Site; else Nothing New | | |
 * | SaveToGitHub | one commit | Tell The Site | the run fails |
 * | Tell The Site + | event `ContentCommitted` | Note It Was Told | the run fails |
 * | Note It Was Told + | the commit, put into the bucket | Saved | the run fails; the next one tells again |
 */
export class AggregateMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: AggregateMachineProps) {
    super(scope, id);
    const { stage, functions, pagesAtOnce } = props;
    const posts = this.task('getnewBlogs', functions.GetUrls, { resultPath: '$.RSSBlogs' });
    const contents = this.task('Get Repo Contents', functions.GetRepoContents, { resultPath: '$.RepoBlogs' });
    const each = new EachOf(this, 'forEachBlog', {
      itemsPath: '$.RSSBlogs.urls',
      itemSelector: { BlogUrl: JsonPath.stringAt('$$.Map.Item.Value'), RepoBlogs: JsonPath.objectAt('$.RepoBlogs') },
      maxConcurrency: pagesAtOnce,
      resultPath: '$.mapResults',
    });
    each.itemProcessor(this.onePost(functions));
    // In JSONata, as paths cannot leave out what is not there.
    const sumUp = Pass.jsonata(this, 'Sum Up', {
      outputs: {
        found: '{% $count($states.input.RSSBlogs.urls) %}',
        added: '{% $count($states.input.mapResults.ToCommit) %}',
        failed: `{% $count($states.input.mapResults.ignored[reason != '${exists}']) %}`,
        items: '{% [$states.input.mapResults.ToCommit] %}',
        contentSha: '{% $states.input.RepoBlogs.sha %}',
        ignored: '{% [$states.input.mapResults.ignored] %}',
      },
    });
    const save = this.task('SaveToGitHub', functions.WriteToGitHub, {
      payload: TaskInput.fromObject({ items: JsonPath.objectAt('$.items') }),
      resultPath: '$.saved',
    });
    const note = this.task('Note It Was Told', functions.WriteToGitHub, {
      payload: TaskInput.fromObject({ toldSha: JsonPath.stringAt('$.saved.commitSha') }),
      resultPath: JsonPath.DISCARD,
    });
    const tell = this.tellTheSite(props);
    tell.next(note).next(new Succeed(this, 'Saved'));
    // A commit may be there whose run has failed: its answer was lost, or its event was refused.
    const last = this.task('Last Commit', functions.WriteToGitHub, {
      payload: TaskInput.fromObject({ contentSha: JsonPath.stringAt('$.contentSha') }),
      resultPath: '$.saved',
    });
    last.next(
      new Choice(this, 'Was It Told ?')
        .when(Condition.isPresent('$.saved.commitSha'), tell)
        .otherwise(new Succeed(this, 'Nothing New')),
    );
    const anythingNew = new Choice(this, 'Anything New ?')
      .when(Condition.numberGreaterThan('$.added', 0), save.next(tell))
      .when(
        Condition.and(
          Condition.numberGreaterThan('$.failed', 0),
          Condition.numberEqualsJsonPath('$.failed', '$.found'),
        ),
        new Fail(this, 'Every Post Failed', {
          error: 'EveryPostFailed',
          cause: 'No page of the feed could be read: the output of Sum Up says why.',
        }),
      )
      .otherwise(last);
    this.machine = addStateMachine(this, {
      ...{ stage, functions: Object.values(functions), timeout: Duration.minutes(30) },
      definition: posts.next(contents).next(each).next(sumUp).next(anythingNew),
      statements: [
        new PolicyStatement({
          actions: ['events:PutEvents'],
          resources: [Stack.of(this).formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default' })],
        }),
      ],
    });
  }

  private onePost({ GetBlogPost, CompareAgainstRepo, AddToList }: AggregatorFunctions) {
    const ignore = new Pass(this, 'Ignore', {
      parameters: { ignored: { url: JsonPath.stringAt('$.BlogUrl'), reason: exists } },
    });
    // The name of the error alone: its cause may be as long as a state.
    const ignoreFailed = new Pass(this, 'Ignore Failed', {
      parameters: { ignored: { url: JsonPath.stringAt('$.BlogUrl'), reason: JsonPath.stringAt('$.error.Error') } },
    });
    const ignoreRefused = new Pass(this, 'Ignore Refused', {
      parameters: { ignored: { url: JsonPath.stringAt('$.BlogUrl'), reason: JsonPath.stringAt('$.BlogMeta.refused') } },
    });
    const meta = this.task('getMeta', GetBlogPost, { inputPath: '$.BlogUrl', resultPath: '$.BlogMeta' });
    const compare = this.task('Compare Against Repo', CompareAgainstRepo, { resultPath: '$.decision' });
    const add = this.task('Add To List', AddToList, {
      inputPath: '$.BlogMeta',
      resultSelector: { ToCommit: JsonPath.objectAt('$') },
    });
    for (const state of [meta, compare, add]) state.addCatch(ignoreFailed, { resultPath: '$.error' });
    const decide = new Choice(this, 'Decide if Exist ?')
      .when(Condition.numberEquals('$.decision.exist', 0), add)
      .when(Condition.numberEquals('$.decision.exist', 1), ignore)
      .otherwise(ignore);
    const isPost = new Choice(this, 'Is It A Post ?')
      .when(Condition.isPresent('$.BlogMeta.refused'), ignoreRefused)
      .otherwise(compare.next(decide));
    return meta.next(isPost);
  }

  private tellTheSite({ repo, jsonFile }: AggregateMachineProps) {
    const bus = EventBus.fromEventBusName(this, 'Bus', 'default');
    const detail = { repo, path: jsonFile, commitSha: JsonPath.stringAt('$.saved.commitSha') };
    const tell = new EventBridgePutEvents(this, 'Tell The Site', {
      entries: [
        { detail: TaskInput.fromObject(detail), detailType: contentCommittedType, source: eventSource, eventBus: bus },
      ],
      resultPath: JsonPath.DISCARD,
    });
    return tell.addRetry({ errors: ['States.ALL'], interval: Duration.seconds(2), backoffRate: 3, maxAttempts: 5 });
  }

  /** A call of a function. What a person has to look at is not tried again. */
  private task(id: string, fn: NodeFunction, more: Partial<LambdaInvokeProps>): LambdaInvoke {
    const task = new LambdaInvoke(this, id, {
      lambdaFunction: fn,
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      ...more,
    });
    task.addRetry({ errors: [...refusals, 'ZodError'], maxAttempts: 0 });
    const interval = Duration.seconds(2);
    task.addRetry({ errors: ['States.TaskFailed'], interval, backoffRate: 2, maxAttempts: 3 });
    return task;
  }
}
