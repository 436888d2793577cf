using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Apache.Arrow.Types;
using Gristmill.Data.Interop;
using SQLitePCL;

namespace Gristmill.Data.Sources.Sqlite;

/// <summary>A column of a statement: takes its value of the row that SQLite stands at.</summary>
internal abstract class SqliteColumn(int index)
{
    private const long MostExact = 1L << 53;
    private static readonly string[] s_times =
    [
        "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.FFFFFFF", "yyyy-MM-dd HH:mm", "yyyy-MM-dd",
        "yyyy-MM-ddTHH:mm:ss", "yyyy-MM-ddTHH:mm:ss.FFFFFFF", "yyyy-MM-ddTHH:mm",
        "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK",
        "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK",
    ];

    public abstract ColumnBuilder Builder { get; }

    protected int Index => index;

    /// <summary>Takes the value.</summary>
    /// <returns>Its bytes; -1: it is not of the type.</returns>
    public long Set(sqlite3_stmt statement, int row)
    {
        if (raw.sqlite3_column_type(statement, index) == raw.SQLITE_NULL)
        {
            Builder.SetNull(row);
            return 1;
        }

        return SetValue(statement, row);
    }

    public static SqliteColumn Of(SqliteType type, int index) => type switch
    {
        SqliteType.Boolean => new Bits(index),
        SqliteType.Int64 => new Integers(index),
        SqliteType.Double => new Doubles(index),
        SqliteType.Text => new Texts(index),
        SqliteType.Binary => new Blobs(index),
        SqliteType.Date => new Dates(index),
        SqliteType.Timestamp => new Timestamps(index),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The type of a declaration, by SQLite's rules of affinity and the names that are in use beside them; null: it says none.</summary>
    public static SqliteType? Declared(string? declaration)
    {
        var text = declaration?.Trim().ToUpperInvariant() ?? "";
        var name = text.IndexOf('(', StringComparison.Ordinal) is > 0 and var end ? text[..end].TrimEnd() : text;
        return name switch
        {
            "BOOL" or "BOOLEAN" => SqliteType.Boolean,
            "DATE" => SqliteType.Date,
            "DATETIME" or "TIMESTAMP" => SqliteType.Timestamp,
            "JSON" or "UUID" or "GUID" => SqliteType.Text,
            _ when Has("INT") => SqliteType.Int64,
            _ when Has("CHAR") || Has("CLOB") || Has("TEXT") => SqliteType.Text,
            _ when Has("BLOB") => SqliteType.Binary,
            _ when Has("REAL") || Has("FLOA") || Has("DOUB") || name is "DECIMAL" or "NUMERIC" or "NUMBER" => SqliteType.Double,
            _ => null,
        };

        bool Has(string part) => name.Contains(part, StringComparison.Ordinal);
    }

    protected abstract long SetValue(sqlite3_stmt statement, int row);

    private static bool Text(sqlite3_stmt statement, int index, out ReadOnlySpan<byte> text)
    {
        if (raw.sqlite3_column_type(statement, index) != raw.SQLITE_TEXT)
        {
            text = default;
            return false;
        }

        // Of text too: its bytes in the database's encoding, which the statement's was set to be.
        text = raw.sqlite3_column_blob(statement, index);
        return Utf8.IsValid(text);
    }

    private static bool Time(sqlite3_stmt statement, int index, ReadOnlySpan<string> formats, out DateTime time)
    {
        time = default;
        if (!Text(statement, index, out var text) || text.Length > 40)
        {
            return false;
        }

        Span<char> characters = stackalloc char[40];
        var length = Encoding.UTF8.GetChars(text, characters);
        foreach (var format in formats)
        {
            if (DateTime.TryParseExact(characters[..length], format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time))
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Bits(int index) : SqliteColumn(index)
    {
        private readonly BitBuilder _builder = new();

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            if (raw.sqlite3_column_type(statement, Index) == raw.SQLITE_INTEGER && raw.sqlite3_column_int64(statement, Index) is (0 or 1) and var value)
            {
                _builder.Set(row, value == 1);
                return 1;
            }

            return -1;
        }
    }

    private sealed class Integers(int index) : SqliteColumn(index)
    {
        private readonly FixedBuilder<long> _builder = new(Int64Type.Default);

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            if (raw.sqlite3_column_type(statement, Index) != raw.SQLITE_INTEGER)
            {
                return -1;
            }

            _builder.Set(row, raw.sqlite3_column_int64(statement, Index));
            return 8;
        }
    }

    private sealed class Doubles(int index) : SqliteColumn(index)
    {
        private readonly FixedBuilder<double> _builder = new(DoubleType.Default);

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            switch (raw.sqlite3_column_type(statement, Index))
            {
                case raw.SQLITE_FLOAT:
                    _builder.Set(row, raw.sqlite3_column_double(statement, Index));
                    return 8;
                case raw.SQLITE_INTEGER when raw.sqlite3_column_int64(statement, Index) is >= -MostExact and <= MostExact and var value:
                    _builder.Set(row, value);
                    return 8;
                default:
                    return -1;
            }
        }
    }

    private sealed class Texts(int index) : SqliteColumn(index)
    {
        private readonly BytesBuilder _builder = new(StringType.Default);

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            if (!Text(statement, Index, out var text))
            {
                return -1;
            }

            _builder.Set(row, text);
            return text.Length + 4;
        }
    }

    private sealed class Blobs(int index) : SqliteColumn(index)
    {
        private readonly BytesBuilder _builder = new(BinaryType.Default);

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            if (raw.sqlite3_column_type(statement, Index) != raw.SQLITE_BLOB)
            {
                return -1;
            }

            var bytes = raw.sqlite3_column_blob(statement, Index);
            _builder.Set(row, bytes);
            return bytes.Length + 4;
        }
    }

    private sealed class Dates(int index) : SqliteColumn(index)
    {
        private readonly FixedBuilder<int> _builder = new(Date32Type.Default);

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            if (!Time(statement, Index, ["yyyy-MM-dd"], out var date))
            {
                return -1;
            }

            _builder.Set(row, (int)((date.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerDay));
            return 4;
        }
    }

    private sealed class Timestamps(int index) : SqliteColumn(index)
    {
        private readonly FixedBuilder<long> _builder = new(new TimestampType(TimeUnit.Microsecond, (string?)null));

        public override ColumnBuilder Builder => _builder;

        protected override long SetValue(sqlite3_stmt statement, int row)
        {
            // Finer than a microsecond would be lost.
            if (!Time(statement, Index, s_times, out var time) || time.Ticks % TimeSpan.TicksPerMicrosecond != 0)
            {
                return -1;
            }

            _builder.Set(row, (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond);
            return 8;
        }
    }
}
