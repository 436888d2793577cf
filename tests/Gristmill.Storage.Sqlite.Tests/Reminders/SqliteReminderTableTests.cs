using Gristmill.Storage.Conformance;
using Microsoft.Extensions.Options;

namespace Gristmill.Storage.Sqlite.Reminders;

public sealed class SqliteReminderTableTests : ReminderTableConformance, IDisposable
{
    private readonly TempDatabase _temp = new();
    private readonly SqliteReminderTable _table;

    public SqliteReminderTableTests() => _table = new SqliteReminderTable(Options.Create(new SqliteReminderOptions { Path = _temp.File }));

    protected override IReminderTable Table => _table;

    public void Dispose()
    {
        _table.Dispose();
        _temp.Dispose();
    }
}
