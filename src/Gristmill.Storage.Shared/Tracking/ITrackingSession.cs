using System.Data.Common;

namespace Gristmill.Storage;

/// <summary>A connection that tracking is read on.</summary>
internal interface ITrackingSession
{
    /// <summary>How its SQL is written.</summary>
    TrackingDialect Dialect { get; }

    /// <summary>Runs a statement and reads its rows.</summary>
    ValueTask<List<T>> AllAsync<T>(string sql, Func<DbDataReader, T> row, IReadOnlyList<object> arguments);
}
