using System.Data.Common;

namespace Gristmill.Storage;

/// <summary>Where the SQL of the databases differs.</summary>
internal abstract class TrackingDialect
{
    /// <summary>Stands in a text for an argument, counted from 0.</summary>
    public abstract string Placeholder(int argument);

    /// <summary>Joins a table whose rows are looked up for each row of what stands before it, whatever the planner thinks of both.</summary>
    public abstract string LookUp(string table, string alias, string on);

    /// <summary>A column that no index is to be used for.</summary>
    public abstract string Unindexed(string column);

    /// <summary>What texts of parameters and tags are ordered by.</summary>
    public abstract string TextKey(string alias);

    /// <summary>The column that compares a parameter or a tag as these texts do; null where no index has it.</summary>
    public abstract string? IndexedText(string alias, IEnumerable<string> texts);

    /// <summary>A tag as a number.</summary>
    public abstract string TagNumber(string alias);

    /// <summary>Whether a text is like a pattern of % and _, which nothing escapes.</summary>
    /// <param name="column">The text.</param>
    /// <param name="pattern">The pattern.</param>
    /// <param name="ignoringCase">Whether A to Z are as a to z.</param>
    /// <param name="argument">Adds an argument and gives its place.</param>
    public abstract string Like(string column, string pattern, bool ignoringCase, Func<object, string> argument);

    /// <summary>A text of a row, as it was put in.</summary>
    public virtual string Text(DbDataReader row, int column) => row.GetString(column);

    /// <summary>Whether a column is one of these numbers.</summary>
    public abstract string IsAnyOf(string column, IReadOnlyList<long> numbers, Func<object, string> argument);
}
