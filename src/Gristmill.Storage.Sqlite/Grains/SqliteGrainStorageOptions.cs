using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Serialization;
using Orleans.Storage;

namespace Gristmill.Storage.Sqlite;

/// <summary>Options of SQLite grain storage.</summary>
public sealed class SqliteGrainStorageOptions : SqliteDatabaseOptions, IStorageProviderSerializerOptions
{
    /// <summary>How state becomes bytes.</summary>
    /// <value>
    /// The <see cref="IGrainStorageSerializer"/> registered under the storage's name, otherwise Orleans' own serializer:
    /// compact, and tolerant of added members because it goes by <c>[Id]</c>.
    /// </value>
    public IGrainStorageSerializer GrainStorageSerializer { get; set; } = null!;
}

/// <summary>Fills in the default serializer.</summary>
internal sealed class SqliteGrainStorageSerializerConfigurator(IServiceProvider services) : IPostConfigureOptions<SqliteGrainStorageOptions>
{
    public void PostConfigure(string? name, SqliteGrainStorageOptions options) =>
        options.GrainStorageSerializer ??=
            (name is null ? null : services.GetKeyedService<IGrainStorageSerializer>(name))
            ?? new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
}
