namespace Gristmill.Storage.Sqlite;

/// <summary>The tables of a tracking database. The version is kept in the file's user_version.</summary>
internal static class TrackingSchema
{
    public const int Version = 4;

    /// <summary>Columns that tables of version 1 may lack; rows from before have null there.</summary>
    public static readonly IReadOnlyList<(string Table, string Column, string Type)> Added = [("run", "partition", "text"), ("run", "trigger", "text")];

    /// <remarks>
    /// Names are numbers everywhere else, so that what is searched stays small: a run with ten metrics takes about a kilobyte.
    /// A row of metric is a newest value: under its full name (stage.key), and under its bare name (name = key) for whichever stage
    /// logged it last. A value that is NaN is null, as SQLite has no NaN; points keep it. run.sequence is -1 until the run's grain has told of it. rebuild.complete tells whether every run that there is was put in: a file
    /// of before it was written has all if it has any.
    /// </remarks>
    public const string Create = """
        create table if not exists name(n integer primary key, text text not null unique);
        create table if not exists run(
            n integer primary key, id text not null unique, sequence integer not null, pipeline text not null, version text,
            status integer not null, created integer not null, started integer, ended integer, error text,
            partition text, trigger text);
        create index if not exists run_pipeline on run(pipeline, id);
        create index if not exists run_status on run(status, id);
        create index if not exists run_partition on run(partition) where partition is not null;
        create index if not exists run_trigger on run(trigger) where trigger is not null;
        create index if not exists run_duration on run(ended-created, n) where ended is not null;
        create index if not exists run_running on run(n) where ended is null;
        create table if not exists param(
            run integer not null, name integer not null, value text not null, number real, own integer not null,
            primary key(run, name)) without rowid;
        create index if not exists param_value on param(name, value, run);
        create index if not exists param_number on param(name, number, run);
        create table if not exists tag(
            run integer not null, name integer not null, value text not null,
            primary key(run, name)) without rowid;
        create index if not exists tag_value on tag(name, value, run);
        create table if not exists metric(
            run integer not null, name integer not null, key integer not null, stage integer not null, attempt integer not null,
            step integer not null, time integer not null, value real,
            primary key(run, name)) without rowid;
        create index if not exists metric_value on metric(name, value, run);
        create table if not exists series(
            n integer primary key, run integer not null, key integer not null, stage integer not null, attempt integer not null,
            points integer not null, min_step integer not null,
            unique(run, key, stage, attempt));
        create table if not exists points(
            series integer not null, block integer not null, points integer not null, min_step integer not null, max_step integer not null,
            data blob not null,
            primary key(series, block));
        create table if not exists artifact(
            run integer not null, path text not null, digest text not null, bytes integer not null, time integer not null, stage integer not null,
            attempt integer not null,
            primary key(run, path)) without rowid;
        create table if not exists rebuild(complete integer not null);
        insert into rebuild select exists(select 1 from run where sequence>=0) where not exists(select 1 from rebuild);
        """;
}
