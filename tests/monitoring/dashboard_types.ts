// Grafana's own types, as the parts of the shipped dashboard have to be; the test writes those out as literals.

import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  FieldConfig,
  GraphFieldConfig,
  HideableFieldConfig,
  Panel,
  RowPanel,
  TableFieldOptions,
  VariableModel,
} from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as Gauge } from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type { Options as Heatmap } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as PieChart } from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type {
  FieldConfig as StateTimelineField,
  Options as StateTimeline,
} from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// A JSON file has the values of an enum, not its members.
type Written<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer One>
      ? Array<Written<One>>
      : { [Key in keyof T]: Written<T[Key]> };

interface Query extends DataQuery {
  expr: string;
  legendFormat: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  editorMode: 'code';
}

type Shown<Kind extends string, Options, Custom> = Omit<Panel, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
  type: Kind;
  options: Partial<Options>;
  targets: Query[];
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom'> & { custom?: Partial<Custom> };
    overrides: NonNullable<Panel['fieldConfig']>['overrides'];
  };
};

type AnyPanel =
  | Shown<'timeseries', TimeSeries, GraphFieldConfig>
  | Shown<'gauge', Gauge, object>
  | Shown<'stat', Stat, object>
  | Shown<'table', Table, TableFieldOptions>
  | Shown<'heatmap', Heatmap, HideableFieldConfig & { scaleDistribution: GraphFieldConfig['scaleDistribution'] }>
  | Shown<'piechart', PieChart, HideableFieldConfig>
  | Shown<'state-timeline', StateTimeline, StateTimelineField>
  | Shown<'bargauge', BarGauge, object>
  | (Omit<RowPanel, 'panels'> & { panels: []; gridPos: NonNullable<Panel['gridPos']> });

export type Panels = Written<AnyPanel>[];
export type Whole = Written<Omit<Dashboard, 'panels' | 'templating' | 'annotations'>>;
export type Variables = Written<VariableModel>[];
export type Annotations = Written<
  AnnotationQuery & { expr: string; titleFormat: string; textFormat: string; step: string }
>[];
