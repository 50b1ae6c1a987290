import { describe, expect, it } from 'vitest';
import { type ConfigLayers, loadConfig } from './load.ts';
import { refusal } from './test-refusal.ts';

describe('other names', () => {
  it('stand for the limits and the instance', async () => {
    const { config, origin } = await loadConfig({
      deployment: { tempLimit: '28', humidLimit: 60, snowUrl: 'https://dev1.service-now.com/api/now/v1/table/u_alarm' },
    });
    expect(config.thresholds).toMatchObject({ temperature: { upper: 28, deadband: 0.5 }, humidity: { upper: 60 } });
    expect(config.serviceNow).toMatchObject({ url: 'https://dev1.service-now.com', table: 'u_alarm' });
    expect(origin('thresholds.temperature.upper')).toBe('deployment');
  });

  it.each([
    ['https://dev1.service-now.com/api/now/table/incident', 'https://dev1.service-now.com', 'incident'],
    ['https://dev1.service-now.com/api/now/v2/table/incident/', 'https://dev1.service-now.com', 'incident'],
    ['http://127.0.0.1:8088/api/now/table/u_x', 'http://127.0.0.1:8088', 'u_x'],
    ['https://gate.example/snow/api/now/table/incident', 'https://gate.example/snow', 'incident'],
    ['https://dev1.service-now.com/', 'https://dev1.service-now.com', 'before'],
  ])('splits snowUrl %s', async (snowUrl, url, table) => {
    const { config } = await loadConfig({
      overlay: { serviceNow: { table: 'before' } },
      env: { GREENGRASS_ITSM__SNOW_URL: snowUrl },
    });
    expect(config.serviceNow).toMatchObject({ url, table });
  });

  it('are resolved in their own layer: a limit by its other name wins over one below by the schema’s', async () => {
    const { config } = await loadConfig({
      deployment: { thresholds: { temperature: { upper: 40 } } },
      set: ['tempLimit=20'],
    });
    expect(config.thresholds['temperature']?.upper).toBe(20);
  });

  it.each<ConfigLayers>([
    { deployment: { tempLimit: '30.0', thresholds: { temperature: { upper: 30 } } } },
    { set: ['snowUrl=https://a.example/api/now/table/incident', 'serviceNow.url=https://a.example/'] },
    { set: ['thresholds.temperature.upper=31', 'tempLimit=30', 'thresholds.temperature.upper=30'] },
  ])('may repeat in one layer what the schema’s name says: %j', async (layers) => {
    await expect(loadConfig(layers)).resolves.toBeDefined();
  });

  it.each<[ConfigLayers, string]>([
    [
      { deployment: { tempLimit: 30, thresholds: { temperature: { upper: 31 } } } },
      'thresholds.temperature.upper (deployment): given here and, with another value, as tempLimit; give one of the two. Earlier deployments count: add "reset": ["/tempLimit"] to configurationUpdate and merge thresholds.temperature.upper, or "reset": ["/thresholds/temperature/upper"] and merge tempLimit. Every field',
    ],
    [
      { set: ['humidLimit=40', 'thresholds.humidity.upper=41'] },
      'thresholds.humidity.upper (--set thresholds.humidity.upper): given here and, with another value, as humidLimit',
    ],
    [
      {
        env: {
          GREENGRASS_ITSM__SNOW_URL: 'https://a.example/api/now/table/x',
          GREENGRASS_ITSM__SERVICE_NOW__TABLE: 'y',
        },
      },
      'serviceNow.table (environment variable GREENGRASS_ITSM__SERVICE_NOW__TABLE): given here and, with another value, as snowUrl',
    ],
    [
      { deployment: { tempLimit: 'hot' } },
      'thresholds.temperature.upper (deployment, as tempLimit): found "hot", expected a number',
    ],
    [
      { deployment: { snowUrl: '<service_now_api_url>' } },
      'snowUrl (deployment): it is no http(s) URL; expected a URL such as',
    ],
    [
      { deployment: { snowUrl: 'https://u:hunter2@a.example' } },
      'it holds a user or password; put them into the secret instead',
    ],
    [
      { deployment: { snowUrl: 'https://a.example/api/now/table' } },
      'snowUrl (deployment): it names no table of the Table API',
    ],
    [
      { deployment: { snowUrl: 'https://a.example/api/now/table/x?y=1' } },
      'it must end with the table, without ? or #',
    ],
  ])('are refused: %j', async (layers, sentence) => {
    const message = await refusal(layers);
    expect(message).toContain(sentence);
    expect(message).not.toContain('hunter2');
  });
});
