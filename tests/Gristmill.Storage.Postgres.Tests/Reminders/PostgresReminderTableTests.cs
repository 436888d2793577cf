using Gristmill.Storage.Conformance;
using Microsoft.Extensions.Options;

namespace Gristmill.Storage.Postgres.Reminders;

public sealed class PostgresReminderTableTests(PostgresFixture fixture) : ReminderTableConformance, IAsyncDisposable
{
    private readonly PostgresReminderTable _table = new(Options.Create(new PostgresReminderOptions { ConnectionString = fixture.NewSchema() }));

    protected override IReminderTable Table => _table;

    public ValueTask DisposeAsync() => _table.DisposeAsync();
}
