namespace Gristmill.Storage.Sqlite;

/// <summary>Options of the SQLite tracking store. It has a file of its own, so that what stages log never delays the state of grains.</summary>
public sealed class SqliteTrackingOptions : SqliteDatabaseOptions
{
    internal override (int Version, string Create) Schema => (TrackingSchema.Version, TrackingSchema.Create);

    internal override IReadOnlyList<(string Table, string Column, string Type)> AddedColumns => TrackingSchema.Added;
}
