namespace Gristmill.Storage.Sqlite.Database;

/// <summary>The tables of a state database. The version is kept in the file's user_version.</summary>
internal static class SqliteSchema
{
    public const int Version = 1;

    /// <remarks>
    /// grain_state keeps its rowid: states of a kilobyte fit the leaf pages of a rowid table, in an index tree they
    /// would spill to overflow pages.
    /// </remarks>
    public const string Create = """
        create table if not exists grain_state(
            grain text not null, name text not null, store text not null,
            payload blob not null, etag integer not null,
            primary key(grain, name, store));
        create table if not exists reminder(
            grain text not null, name text not null, hash integer not null,
            start integer not null, period integer not null, etag integer not null,
            primary key(grain, name)) without rowid;
        create index if not exists reminder_hash on reminder(hash);
        create table if not exists membership_version(
            cluster text not null primary key, version integer not null) without rowid;
        create table if not exists membership(
            cluster text not null, silo text not null, status integer not null, suspects text not null,
            proxy_port integer not null, host text, silo_name text, role_name text,
            update_zone integer not null, fault_zone integer not null,
            started integer not null, alive integer not null, etag integer not null,
            primary key(cluster, silo)) without rowid;
        """;
}
