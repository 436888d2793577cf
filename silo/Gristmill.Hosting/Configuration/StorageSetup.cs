using Gristmill.Storage.Postgres;
using Gristmill.Storage.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;

namespace Gristmill.Hosting;

/// <summary>Where grain state, reminders, membership and what runs log are kept.</summary>
internal static class StorageSetup
{
    private const string Name = "gristmill";

    public static void Add(ISiloBuilder silo, GristmillOptions options, DataFolder folder)
    {
        if (options.Storage == StorageKind.Sqlite)
        {
            silo.UseSqliteClustering(File);
            silo.UseSqliteReminders(File);
            silo.AddSqliteGrainStorage(Name, File);
            silo.UseSqliteTracking(folder.Tracking);
            return;
        }

        silo.UsePostgresClustering(Configure);
        silo.UsePostgresReminders(Configure);
        silo.AddPostgresGrainStorage(Name, Configure);
        silo.UsePostgresTracking(Configure);
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, PreviousMember>();
        // A dead silo is found out in two to three seconds instead of ten and more; its runs go on elsewhere then.
        silo.Configure<ClusterMembershipOptions>(static membership =>
        {
            membership.ProbeTimeout = TimeSpan.FromSeconds(1);
            membership.NumMissedProbesLimit = 2;
            membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
            membership.DefunctSiloExpiration = TimeSpan.FromDays(1);
        });

        void File(SqliteDatabaseOptions sqlite)
        {
            sqlite.Path = folder.Database;
            sqlite.Synchronous = options.SqliteSynchronous;
        }

        void Configure(PostgresOptions postgres) => postgres.ConnectionString = options.ConnectionString!;
    }
}
