using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gristmill.Storage.Sqlite;

/// <summary>Registers SQLite reminders.</summary>
public static class SqliteReminderExtensions
{
    /// <summary>Keeps reminders in SQLite.</summary>
    public static ISiloBuilder UseSqliteReminders(this ISiloBuilder builder, Action<SqliteReminderOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        builder.AddReminders();
        builder.Services.Configure(configure);
        builder.Services.AddTransient<IConfigurationValidator>(static services => new SqliteOptionsValidator(
            "reminders", services.GetRequiredService<IOptions<SqliteReminderOptions>>().Value));
        builder.Services.AddSingleton<IReminderTable, SqliteReminderTable>();
        return builder;
    }

    /// <summary>Keeps reminders in a SQLite file, with defaults otherwise.</summary>
    public static ISiloBuilder UseSqliteReminders(this ISiloBuilder builder, string path) =>
        builder.UseSqliteReminders(options => options.Path = path);
}
